"""The officer's screen: pages served by the gate PC itself, live by server-sent events, nothing from anywhere else."""
