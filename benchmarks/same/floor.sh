# The least that asking both package managers can cost: uv's own no-op and one query of dpkg's database.
/opt/colabenv/bin/uv pip install -q --python /opt/colabenv/bin/python matplotlib numpy pandas requests tqdm
dpkg-query -W jq pv rsync sqlite3 tree unzip openjdk-17-jdk-headless > /dev/null
