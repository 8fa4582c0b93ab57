"""What an environment came to, exactly: the file `colabenv.lock` beside a spec."""
