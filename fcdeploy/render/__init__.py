"""What people and pipelines read: plans, outcomes, findings and standings as text or JSON. Values in, strings out."""
