#!/usr/bin/env bash
# The whole way of a payor, with nothing but HTTP: make an invoice as the merchant, then
# read it, choose a token, get an address and pay, as a page of your own would.
#   DEV_JSON=.pepay/dev.json examples/pay.sh [amount]
set -euo pipefail
dev="${DEV_JSON:-.pepay/dev.json}"

# field PATH < JSON prints what is at a path such as data.0.id.
field() {
	python3 -c 'import json,sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."): v = v[int(k)] if isinstance(v, list) else v[k]
print(v)' "$1"
}

# call METHOD PATH HEADERS... [-d BODY] asks the API, and shows what it says when it refuses.
call() {
	local method="$1" path="$2" answer status
	shift 2
	answer="$(curl -sS --max-time 20 -w '\n%{http_code}' -X "$method" "$base$path" "$@")"
	status="${answer##*$'\n'}" answer="${answer%$'\n'*}"
	if [[ "$status" != 2* ]]; then
		echo "$method $path: $status $answer" >&2
		return 1
	fi
	echo "$answer"
}

base="$(field base_url <"$dev")"
merchant=(-H "x-api-key: $(field merchant_api_key <"$dev")")
json=(-H 'Content-Type: application/json')

# The merchant's server. The key makes the request safe to repeat: the same key never
# makes a second invoice.
key="$(python3 -c 'import uuid; print(uuid.uuid4())')"
invoice="$(call POST /api/v1/invoices "${merchant[@]}" "${json[@]}" -H "Idempotency-Key: $key" \
	-d "{\"amount_usd\": ${1:-25.50}, \"description\": \"Two bags of coffee\", \"customer_id\": \"cust_example\"}")"
id="$(field invoice_id <<<"$invoice")"
echo "invoice   $id"

# The payor's page. Both headers go with every request.
payor=(-H "x-session-token: $(field session_token <<<"$invoice")" -H "x-signature: $(field signature <<<"$invoice")")
echo "amount    $(call GET /api/v1/payments/session-details "${payor[@]}" | field amount_usd) dollars"
tokens="$(call GET /api/v1/payments/available-tokens "${payor[@]}")"
network="$(field 0.network <<<"$tokens")" token="$(field 0.id <<<"$tokens")"
echo "token     $(field 0.token_symbol <<<"$tokens") on $network"
choice="{\"network\": \"$network\", \"tokenId\": $token}"
address="$(call POST /api/v1/payments/payment-addresses "${payor[@]}" "${json[@]}" -d "$choice")"
echo "send      $(field estimated_token_amount <<<"$address") to $(field temp_address <<<"$address")"
echo "stream    $(field ws_connection.token <<<"$address")" # for: examples/follow.py payor

# In development a wallet with worthless money pays. Elsewhere the payor's own wallet does.
echo "sent      $(call POST /pay/test-wallet "${payor[@]}" "${json[@]}" -d "$choice" | field tx_hash)"

# Whoever cannot keep a websocket open polls.
for _ in $(seq 120); do
	status="$(call GET /api/v1/payments/payment-status "${payor[@]}" | field status)"
	[[ "$status" == paid ]] && break
	sleep 0.5
done
echo "status    $status"
[[ "$status" == paid ]]

# What the merchant is told of it all, oldest first.
call GET "/api/v1/events?invoice_id=$id&limit=100" "${merchant[@]}" | python3 -c 'import json,sys
for e in reversed(json.load(sys.stdin)["data"]["data"]):
    print("event    ", e["id"], e["type"], e["data"]["object"]["status"])'
