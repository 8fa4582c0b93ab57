# The same machine, as the cell that people write today; in Colab each line begins with an exclamation mark.
/opt/colabenv/bin/pip install -q matplotlib numpy pandas requests tqdm
apt-get install -y -qq jq pv rsync sqlite3 tree unzip openjdk-17-jdk-headless > /dev/null
test -f /srv/bench/cell-flowers.csv || wget -q -O /srv/bench/cell-flowers.csv http://127.0.0.1:8731/flowers.csv
test -f /etc/benchmark.toml || printf "colour = 'blue'\n" > /etc/benchmark.toml
