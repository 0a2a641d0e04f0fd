"""Why a plan is as it is: what each goal costs, what binds, why somebody is here and not there."""
