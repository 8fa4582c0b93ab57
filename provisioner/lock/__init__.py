"""What an environment resolved to, exactly: the file `colabenv.lock` beside a spec."""
