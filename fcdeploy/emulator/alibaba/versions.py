"""The two versions of the API; both work on the same resources (facts 1.1)."""

V2016 = "2016-08-15"
V2021 = "2021-04-06"
BOTH = (V2016, V2021)
