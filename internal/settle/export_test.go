package settle

// PrepareSome asks a mover for a transaction of some of the items.
var PrepareSome = (*Settler).prepare
