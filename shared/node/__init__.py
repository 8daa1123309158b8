"""What a gate and the centre have in common as nodes: store, MQTT link, sync, HTTP frame.

The rest of `shared` is free of I/O and never imports this package; import-linter holds it to that.
"""
