package sui

// ParseCheckpoint reads a node's answer as a scan does.
func ParseCheckpoint(raw []byte, full bool) error {
	m, err := ParseMessage(raw)
	if err != nil {
		return err
	}
	c, err := parseCheckpoint(m, full)
	_ = c.fingerprint()
	return err
}
