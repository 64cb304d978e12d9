# SPDX-License-Identifier: MIT
"""What operators look at: the alerts under promtool, and every query of the dashboard before a
real Prometheus that scrapes real gateways under load."""

import json
import pathlib
import re
import subprocess
import urllib.parse
import urllib.request

import pytest

from support.feed import Flow
from support.follower import Follower
from support.redis import free_port
from support.swarm import Swarm
from support.wait import PATIENCE, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TOPICS = [f"stock.O{n}.1m" for n in range(4)]
COLUMNS = 24  # of Grafana's grid
LONG = 60

# Names of units that Grafana knows and this dashboard uses.
UNITS = {"percentunit", "short", "cps", "Bps", "bytes", "s"}
VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def promtool(*argv):
    done = subprocess.run(["promtool", *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expressions():
    return [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


# The alerts.


def test_prometheus_takes_the_configuration_and_the_rules():
    promtool("check", "config", str(MONITORING / "prometheus.yml"))


def test_each_alert_comes_when_it_should_and_not_otherwise():
    promtool("test", "rules", str(ROOT / "tests" / "observe" / "rules_test.yml"))


def test_each_alert_is_tested_and_described():
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "rules.yml").read_text())
    tested = (ROOT / "tests" / "observe" / "rules_test.yml").read_text()
    readme = (ROOT / "deploy" / "README.md").read_text()
    assert len(alerts) > 10
    for alert in alerts:
        assert f"alertname: {alert}\n        exp_alerts" in tested, alert
        assert f"`{alert}`" in readme, alert


# The dashboard against Grafana's classic dashboard model:
# https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/


def test_the_dashboard_has_what_grafana_asks_of_one():
    assert DASHBOARD["id"] is None, "an id belongs to one Grafana"
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", DASHBOARD["uid"])
    assert DASHBOARD["title"] and isinstance(DASHBOARD["schemaVersion"], int)
    assert isinstance(DASHBOARD["version"], int) and DASHBOARD["graphTooltip"] in (0, 1, 2)
    assert set(DASHBOARD["time"]) == {"from", "to"} and isinstance(DASHBOARD["timepicker"], dict)
    assert isinstance(DASHBOARD["annotations"]["list"], list)
    for variable in DASHBOARD["templating"]["list"]:
        assert variable["type"] in ("datasource", "query") and variable["hide"] in (0, 1, 2)
        assert isinstance(variable["multi"], bool) and isinstance(variable["includeAll"], bool)


def test_panels_have_places_of_their_own():
    taken, ids = {}, set()
    for panel in DASHBOARD["panels"]:
        assert panel["id"] not in ids
        ids.add(panel["id"])
        place = panel["gridPos"]
        assert set(place) == {"x", "y", "w", "h"} and place["x"] + place["w"] <= COLUMNS
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"], panel["title"]


def test_panels_say_what_they_show_and_in_which_unit():
    known = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    known |= {"__rate_interval"}
    for panel in PANELS:
        assert panel["type"] in ("stat", "timeseries") and panel["title"] and panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["fieldConfig"]["overrides"] == []
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        assert not steps or steps[0]["value"] is None, "the first threshold has no lower end"
        ids = [target["refId"] for target in panel["targets"]]
        assert ids and len(set(ids)) == len(ids)
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert set(VARIABLE.findall(target["expr"])) <= known, target["expr"]
            assert VARIABLE.findall(target["datasource"]["uid"]) == ["datasource"]


# Both before a real Prometheus.


class Prometheus:
    def __init__(self, supervisor, directory, gateways):
        self.port = free_port()
        targets = ", ".join(f'"127.0.0.1:{gateway.admin_port}"' for gateway in gateways)
        config = directory / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{MONITORING}/rules.yml]\n"
            "scrape_configs:\n"
            "  - job_name: chronogate\n"
            f"    static_configs: [{{targets: [{targets}]}}]\n"
        )
        self.process = supervisor.start(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data"]
            + [f"--web.listen-address=127.0.0.1:{self.port}"],
            chatty=True,
        )

    def ask(self, expression):
        words = urllib.parse.urlencode({"query": expression})
        url = f"http://127.0.0.1:{self.port}/api/v1/query?{words}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            answer = json.load(answer)
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def scrapes(self, count):
        try:
            return len(self.ask("up == 1")) == count
        except (OSError, AssertionError):
            return False


@pytest.fixture
def start_prometheus(supervisor, tmp_path):
    started = []

    def start(gateways):
        started.append(Prometheus(supervisor, tmp_path, gateways))
        until(lambda: started[-1].scrapes(len(gateways)), LONG, "all are scraped")
        return started[-1]

    yield start
    for prometheus in started:
        supervisor.release(prometheus.process)


def filled_in(expression):
    expression = expression.replace("$__rate_interval", "10s").replace("$instance", ".*")
    assert "$" not in expression, expression
    return expression


def test_every_query_of_the_dashboard_has_data_of_a_loaded_cluster(
    start_patient_gateway, start_prometheus, own_redis, feed
):
    gateways = [start_patient_gateway(redis=own_redis) for _ in range(2)]
    prometheus = start_prometheus(gateways)
    followers = [Follower(TOPICS, name=f"f{n}") for n in range(20)]
    with Swarm(gateways, followers), Flow(feed, TOPICS, rate=100):
        silent = {}

        def all_answer():
            silent.clear()
            for title, expression in expressions():
                values = [one["value"][1] for one in prometheus.ask(filled_in(expression))]
                if not values or "NaN" in values:
                    silent[title, expression] = values
            return not silent

        try:
            until(all_answer, LONG, "every query has data")
        except AssertionError:
            raise AssertionError(f"no data: {silent}") from None

        def shown(title):
            (expression,) = [expr for name, expr in expressions() if name == title]
            return float(prometheus.ask(filled_in(expression))[0]["value"][1])

        until(lambda: shown("Clients") == 20, LONG, "all clients are counted")
        until(lambda: shown("Gateways ready") == 2, LONG, "both gateways are counted")
        until(lambda: 1000 < shown("Messages to clients") < 4000, LONG, "about 100 × 20")
        assert 0 < shown("Late, 99 %") < 10
        assert shown("Lost for good") == 0
        firing = prometheus.ask('ALERTS{alertstate="firing"}')
        assert not firing, firing


def test_every_metric_that_is_asked_for_exists(start_gateway):
    text = start_gateway().admin("/metrics").text()
    asked = (MONITORING / "rules.yml").read_text() + json.dumps(DASHBOARD)
    for name in set(re.findall(r"\b(?:chronogate|process)_\w+", asked)):
        assert f"\n{name}" in text, name


# What a gateway takes of its machine.


def test_memory_cpu_and_room_are_told(start_gateway):
    metrics = start_gateway(max_connections=50, backlog_total_bytes="3m").metrics()
    assert metrics["chronogate_connections_max"] == 50
    assert metrics["chronogate_queue_bytes_max"] == 3 << 20
    assert 1 << 20 < metrics["process_resident_memory_bytes"] < 1 << 30
    assert 0 < metrics["chronogate_memory_bytes"] < metrics["chronogate_memory_limit_bytes"]
    assert 0 < metrics["process_cpu_seconds_total"] < 60


@pytest.mark.parametrize("limit, is_taken", [("1073741824", True), ("max", False)])
def test_the_limit_of_a_control_group_counts(start_gateway, tmp_path, limit, is_taken):
    """As in a container: version 2, and the root is the group."""
    inside = tmp_path / "cgroup"
    inside.write_text("0::/\n")
    prepare = (
        f"mount --bind {inside} /proc/$$/cgroup && mount -t tmpfs none /sys/fs/cgroup && "
        f"echo {limit} >/sys/fs/cgroup/memory.max && echo 9000000 >/sys/fs/cgroup/memory.current"
    )
    unshare = ["unshare", "--mount", "sh", "-c"]
    if subprocess.run([*unshare, prepare], capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may change what a process sees of its control group")
    gateway = start_gateway(wrap=[*unshare, prepare + ' && exec "$@"', "sh"])
    metrics = gateway.metrics()
    used, most = metrics["chronogate_memory_bytes"], metrics["chronogate_memory_limit_bytes"]
    assert (used == 9000000, most == 1 << 30) == (is_taken, is_taken)
