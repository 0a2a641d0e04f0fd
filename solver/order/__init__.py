"""When each step of a migration runs: tasks in time, what they hold, and which way each job is done."""
