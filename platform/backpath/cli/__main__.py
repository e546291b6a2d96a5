from backpath.cli.main import main

main()
