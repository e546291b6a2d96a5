"""The program of the app container: unpacks the submission and runs it when the runner asks."""
