"""The demonstration trial: invented people and values, made only by calling the services that users call.

It stands in the highest room since it needs every room below; it has no models and writes nothing itself.
"""
