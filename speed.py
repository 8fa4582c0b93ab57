import sys,time,os; sys.path.insert(0,'/work/main')
t0=time.perf_counter()
import pydantic, yaml
t1=time.perf_counter()
from provisioner.machine.local import LocalMachine
from provisioner.interpreter import resolve
t2=time.perf_counter()
from provisioner import kinds; k=kinds.get('pip')
t3=time.perf_counter()
from pydantic import TypeAdapter
cfg=TypeAdapter(k.config).validate_python({'packages':sys.argv[2:]},context={'folder':'/tmp','home':'/root'})
t4=time.perf_counter()
m=LocalMachine('/tmp', resolve(sys.argv[1],'/tmp'), state='/tmp/none')
f=k.observe(cfg,m); t5=time.perf_counter()
s=list(k.plan(cfg,f)); t6=time.perf_counter()
print('import local %.1f, import kind %.1f, validate %.1f observe %.1f plan %.1f'%tuple(1e3*x for x in (t2-t1,t3-t2,t4-t3,t5-t4,t6-t5)), s[0].pending)
f=time.perf_counter(); k.observe(cfg,m); print('again %.1f'%((time.perf_counter()-f)*1e3))
