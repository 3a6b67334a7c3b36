package evm_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pepay/pepay/internal/chain/evm"
)

// Block 35535698 of Unichain Sepolia, of the OP stack: every hash in it holds only
// if the header, the deposit transaction and the deposit receipt are encoded as
// that network does.
func TestBlockOfARollup(t *testing.T) {
	t.Parallel()
	bloom := hex.EncodeToString(types.CreateBloom(&types.Receipt{Logs: []*types.Log{{
		Address: common.HexToAddress("0xf878f0340bf132c28f3211e8b46c569edf817495"),
		Topics:  []common.Hash{common.HexToHash("0xfaddd0b06e793a583e92393ad3f98637e560462ee98db1f2888f141124ee64ca")},
	}}}).Bytes())
	var txs, receipts []string
	txs = append(txs, `{"from":"0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001","gas":"0xf4240","gasPrice":"0x0",
		"hash":"0x613834aaeeb676fb45e312531c0cac40485a2c1b7b8ad8d648e5034dddfb5f03","input":"0x098999be000007d0000dbba0000000000000000800000000690be848000000000092042e000000000000000000000000000000000000000000000000000000000000000900000000000000000000000000000000000000000000000000000000000000010ffd7e2fb2c36e5f27c015872ce733a7b4f3fc0f4ee668d7469c557c48f8250f0000000000000000000000004ab3387810ef500bfe05a49dc53a44c222cbab3e000000000000000000000000",
		"mint":"0x0","nonce":"0x21e3b52","r":"0x0","s":"0x0","sourceHash":"0x35dd2ec802504a143048c7830f8f570e0d6cf5147217af869939c6b4ba710a36",
		"to":"0x4200000000000000000000000000000000000015","type":"0x7e","v":"0x0","value":"0x0"}`)
	receipts = append(receipts, `{"type":"0x7e","status":"0x1","cumulativeGasUsed":"0xb41c","logs":[],"depositNonce":"0x21e3b52","depositReceiptVersion":"0x1"}`)
	for i, x := range []struct{ gas, input, r, s, parity, cumulative string }{
		{"0x5578", "0x426c6f636b204e756d6265723a203335353335363938", "0x91f83058c881d9ad71c179ce680326501702eb68150d20b2bf7786e388f954a2", "0x180185d83e503f11bf3c265c1f9296ed8d3d7c04031cd8bb30509ad188ce7bbc", "0x0", "0x10994"},
		{"0x8809", "0x3fd553e8", "0xd73ce313aafea312e0b7244767e45f8b05d50305e0f4e4c3c564ddc751666815", "0x2ee015ce2363311823c0b2e96bfb0e8090fd53c6cdd99be8cf343af123036dfc", "0x1", "0x18f7d"},
		{"0x8809", "0x3fd553e8", "0xf8cd94080642e116bc772f36a02d002505227aa542e1c13e5129ab40b8b037fb", "0x608318d3895388e39b218bcb275380cebc566e68f26d3d434e32b8b58366cdf", "0x1", "0x21566"},
		{"0x8809", "0x3fd553e8", "0x4368492ec1d087703aaf6f5fefe4427b3bf382e5cd07133f638bb6701f15fe61", "0x5e28757fbdc7e744118be36d5a1548eb7c009eefcb5dc5c5040e09c2fc6de9d8", "0x0", "0x29b4f"},
		{"0x8809", "0x3fd553e8", "0x802ba6d4f37e3b8de96095bd0b216144f276171d16dc62a004f1a89009af5dee", "0xf0c6250cfd1a062a1bc2bc353a5c227a980cac0f233b7be8932f2192342ec4f", "0x0", "0x32138"},
	} {
		to, logs := "0xf878f0340bf132c28f3211e8b46c569edf817495", ""
		if i == 0 {
			to = "0x0000000000000000000000000000000000000000"
		} else {
			logs = fmt.Sprintf(`{"address":%q,"topics":["0xfaddd0b06e793a583e92393ad3f98637e560462ee98db1f2888f141124ee64ca"],"data":"0x%064x"}`, to, 0x29ac5b+i)
		}
		txs = append(txs, fmt.Sprintf(`{"accessList":[],"chainId":"0x515","gas":%q,"gasPrice":"0x33","input":%q,"maxFeePerGas":"0x33","maxPriorityFeePerGas":"0x0",
			"nonce":"0x%x","r":%q,"s":%q,"to":%q,"type":"0x2","v":%q,"value":"0x0","yParity":%q}`, x.gas, x.input, 0x1c8ea91+i, x.r, x.s, to, x.parity, x.parity))
		receipts = append(receipts, fmt.Sprintf(`{"type":"0x2","status":"0x1","cumulativeGasUsed":%q,"logs":[%s]}`, x.cumulative, logs))
	}
	block := fmt.Sprintf(`{"baseFeePerGas":"0x33","blobGasUsed":"0x0","difficulty":"0x0","excessBlobGas":"0x0","extraData":"0x00000000320000000c",
		"gasLimit":"0x3938700","gasUsed":"0x32138","hash":"0xc463a3120c35268f610d969f5608b479332ef10953af77c7a6be806195831196","logsBloom":"0x%s",
		"miner":"0x4200000000000000000000000000000000000011","mixHash":"0x8beee738d20a9d77c5f27e9cb799ebe5b536f0985efad5f7d77ebff47f092c4a",
		"nonce":"0x0000000000000000","number":"0x21e3b52","parentBeaconBlockRoot":"0xf6d335a6b2b4fd8fb539cd51a49769df4d53c31a90c54dd270e54542638ff101",
		"parentHash":"0x06ff95a9cd23b0328da74a984aa986b2e01d377dab1825f1029e39ece6c4a3ea","receiptsRoot":"0x588e1d47b0618d7e935b20c3945cba3b7b8c00141904f79ceed20312ea502e63",
		"requestsHash":"0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","sha3Uncles":"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
		"stateRoot":"0x5615e4342d231c352438f0ba6a8f0f641459f67961961764b781a909969b28ad","timestamp":"0x690be89e","transactions":[%s],
		"transactionsRoot":"0x3dc5956bbd482687508f25d0e057282192067bb0eb80b2ac869320ef7f45cdeb",
		"withdrawalsRoot":"0x62ed62e0391b081bf172f287fbbe75e87d8a6c22f1d3b1f1aef4788c134633d2"}`, bloom, strings.Join(txs, ","))
	all := "[" + strings.Join(receipts, ",") + "]"
	if _, known, err := evm.ParseBlock([]byte(block), []byte(all)); err != nil || !known {
		t.Errorf("known %v, %v", known, err)
	}
	if _, _, err := evm.ParseBlock([]byte(block), []byte(strings.Replace(all, `"depositReceiptVersion":"0x1"`, `"depositReceiptVersion":"0x2"`, 1))); err == nil {
		t.Error("an altered receipt was believed")
	}
}
