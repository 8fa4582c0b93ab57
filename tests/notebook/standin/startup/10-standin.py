"""A kernel that leaves the machine alone, and may take itself for Colab's.

It believes that it is not root, and the marker and the mount table are files of the test's.
"""

import json as _json
import os as _os

import provisioner.kinds.drive as _drive
import provisioner.platforms as _platforms

_os.geteuid = lambda: 1000
if "STANDIN_COLAB" in _os.environ:
    _platforms.HOSTNAME = _os.environ["STANDIN_COLAB"]
    with open(_os.environ["STANDIN_COLAB"]) as _file:
        _drive.MOUNTS = _json.load(_file)["mounts"]
