from nessus_simulator.cli import app

app(prog_name="python -m nessus_simulator")
