package redisproc

// Run moves the clock of a miniredis.
var Run = run

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }
