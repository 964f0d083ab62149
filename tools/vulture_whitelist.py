# Names that tools/dead_code.py would call dead although something outside Python's sight uses them.
# One line `_.name  # who uses it` each; a name that no longer exists anywhere is removed from here.

_.result_processor  # SQLAlchemy's TypeDecorator
_.doctype  # the XML parser's target
_.settings_customise_sources  # pydantic-settings
_.do_POST  # http.server
_.do_GET  # http.server
_.do_CONNECT  # http.server
_.log_message  # http.server
_.application  # uvicorn imports it by name (config/serving.py)
_.keep_subprocess_alive  # uvicorn's supervisor calls it twice a second
_.is_closing  # asyncio's transports, asked by bench/wire.py
_.run_once  # tests drive the engine by hand with it
_.percentile_linear  # the other method in use, for whoever compares our figures with theirs
_.measure  # one incident's intervals by name, as tests and other programs ask for them
_.Worksheet  # a type of dashboards/reports/as_xlsx.py, in quotes because its library may be missing
_.misses_database  # tests wait until the engine has noticed
_.readable  # io.RawIOBase, asked by the buffered reader
_.handle  # socketserver, for tests/fakes/mail_server.py
_.readable  # what the buffered reader of telephony.timed_http asks
