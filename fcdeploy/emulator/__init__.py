"""A local server that speaks the vendors' own HTTP APIs; a product of its own.

It imports nothing of the rest of the product (DESIGN 3): every rule here is stated from the vendors'
documents and SDKs, so that a wrong belief of the deployer fails against it instead of being copied.

Start at :func:`fcdeploy.emulator.app.create_app` (ASGI), :func:`fcdeploy.emulator.server.serve` (a socket)
or :func:`fcdeploy.emulator.server.start_in_thread` (a socket inside a test).
"""
