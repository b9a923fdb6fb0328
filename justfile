# just test | just check | just samples | just docs | just bench
test:
    python -m pytest

check:
    ruff check . && ruff format --check orderguard docs && mypy && lint-imports && python docs/generate.py --check

samples:
    python samples/make.py && python tests/test_golden.py --write

docs:
    python docs/generate.py

tables:
    python -m orderguard.enrich.tables.build

bench:
    python tests/benchmarks/bench.py
    python tests/benchmarks/rules30.py

# just flame EXPORT: where a scan's time goes, as a tree and as flame.svg (needs py-spy)
flame export:
    python tests/benchmarks/flame.py {{export}} --svg flame.svg

# just long: the suite with five times as many random batches as .ci/run has time for
long:
    ORDERGUARD_TEST_ROUNDS=5 python -m pytest
