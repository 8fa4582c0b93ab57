"""The same machine, as a pyinfra deploy."""

from io import StringIO

from pyinfra.operations import apt, files, pip

apt.packages(packages=["jq", "pv", "rsync", "sqlite3", "tree", "unzip", "openjdk-17-jdk-headless"])
pip.packages(packages=["matplotlib", "numpy", "pandas", "requests", "tqdm"], virtualenv="/opt/colabenv")
files.download(
    src="http://127.0.0.1:8731/flowers.csv",
    dest="/srv/bench/pyinfra-flowers.csv",
    sha256sum="b47cb1b9dd167171deec4e359b298a511f03cc90e306dcdbe6cf74e97d76e324",
)
files.put(src=StringIO("colour = 'blue'\n"), dest="/etc/benchmark.toml", mode="644")
