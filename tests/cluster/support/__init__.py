# SPDX-License-Identifier: MIT
"""What the cluster tests stand on: processes, a Redis client, raw HTTP and raw WebSocket."""
