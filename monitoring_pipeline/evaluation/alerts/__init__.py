"""Who is alerted about an incident, through which channel, and how precise the alerts were."""
