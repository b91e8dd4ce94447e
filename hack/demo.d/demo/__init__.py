"""`hack/demo`: the product's main job on one machine, with real parts and simulated scanners."""
