// Shows what becomes of an order, as it happens: the server answers once the order is
// another than the one that is shown, or after a while.
const follow = async () => {
  for (let was; (was = document.querySelector("#order[data-seen]")); ) {
    try {
      const answer = await fetch("?seen=" + was.dataset.seen)
      const page = new DOMParser().parseFromString(await answer.text(), "text/html")
      const is = page.getElementById("order")
      if (!answer.ok || !is) throw answer.status
      if (is.dataset.seen === was.dataset.seen) continue
      const focused = was.contains(document.activeElement) && document.activeElement.id
      was.replaceWith(is)
      if (focused) document.getElementById(focused)?.focus()
      document.getElementById("told").textContent = document.getElementById("headline").textContent
    } catch {
      await new Promise(later => setTimeout(later, 3000))
    }
  }
}
follow()
