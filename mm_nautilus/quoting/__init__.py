"""The quoting pipeline: adjust, ladder, guard, reconcile."""
