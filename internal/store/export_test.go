package store

// Row runs a statement on a unit's own connection, for tests of the engine.
func Row(tx *Tx, dest any, q string, args ...any) error {
	return tx.conn.QueryRowContext(tx.ctx, q, args...).Scan(dest)
}
