import signal, time
from support.follower import Follower
from support.swarm import Swarm
TOPICS = [f"stock.STOP{n}.1m" for n in range(2)]
def test_a_gateway_that_stood_still_itself_does_not_take_redis_for_dead(start_gateway, own_redis, feed):
    gateway = start_gateway(redis=own_redis, backlog_hard_bytes="64m", probe_interval_ms=200, probe_timeout_ms=1000)
    followers = [Follower(TOPICS, name=f"c{n}") for n in range(3)]
    feed.publish(*TOPICS)
    with Swarm([gateway], followers) as swarm:
        swarm.wait_for(feed.journal)
        for _ in range(3):
            gateway.process.send_signal(signal.SIGSTOP)
            for _ in range(10):
                feed.publish(*TOPICS * 200, fill="x" * 300)
            time.sleep(1.5)
            gateway.process.send_signal(signal.SIGCONT)
            swarm.check_whole(feed.journal)
    assert gateway.metrics()["chronogate_redis_reconnects_total"] == 0
    assert gateway.metrics()["chronogate_gaps_total"] == 0
