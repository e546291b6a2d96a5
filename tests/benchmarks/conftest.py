"""The suites that are measured are no tests of this repository."""

collect_ignore_glob = ["sandbox/*"]
