"""The deterministic simulation: the real engine and journal against vendors, a network and a clock that a seed owns."""
