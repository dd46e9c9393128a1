/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of a port's surroundings, and the advice that follows from it: interrupts and CPUs,
 * NUMA, pages, transmit limits, coalescing, sysctls, irqbalance.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_memory.h>

#include "afx_bus.h"
#include "afx_napi.h"
#include "afx_netdev_napi.h"
#include "xsk_tune.h"

static long
read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long v = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%ld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

static bool
runs(const char *what)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	bool found = false;

	if (proc == NULL)
		return false;
	while (!found && (e = readdir(proc)) != NULL) {
		char path[32], comm[32] = "";
		FILE *f;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.15s/comm", e->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		if (fgets(comm, sizeof(comm), f) != NULL)
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
		found = strcmp(comm, what) == 0;
	}
	closedir(proc);
	return found;
}

static void
gather_queue(struct rte_eth_dev *dev, uint16_t qid)
{
	const struct xsk_port *port = xsk_port(dev);
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_tune_queue *q = &proc->tune->queue[qid];
	uint32_t queue = port->args.start_queue + qid;
	struct afx_napi napi;
	struct afx_irq irq;

	q->napi = afx_napi_id(proc->pairs[qid].sock->fd);
	if (q->napi == 0)
		(void)afx_netdev_queue_napi(proc->ctl, port->ifindex, queue, true, &q->napi, NULL);
	if (q->napi != 0 && afx_netdev_napi_get(proc->ctl, q->napi, &napi, NULL) == 0)
		q->irq = napi.irq;
	if (q->irq == 0)
		q->irq = afx_irq_of_queue(port->bus_info, queue);
	if (q->irq != 0 && afx_irq_get(q->irq, &irq, NULL) == 0)
		snprintf(q->irq_cpus, sizeof(q->irq_cpus), "%s",
			irq.effective[0] != '\0' ? irq.effective : irq.allowed);
}

static void
gather_memory(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_tune *t = proc->tune;
	const struct rte_memseg *ms = NULL;
	char node[16];

	t->nic_node = -1;
	if (afx_bus_attr(xsk_port(dev)->bus_info, "numa_node", node, sizeof(node)) == 0)
		t->nic_node = atoi(node);
	t->pool_node = -1;
	if (dev->data->nb_rx_queues > 0) {
		const struct xsk_rxq *q = dev->data->rx_queues[0];

		ms = rte_mem_virt2memseg((const void *)q->layout.lo, NULL);
		/* Without hugepages EAL calls all of its memory node 0. */
		if (ms != NULL)
			t->pool_node = ms->socket_id;
	}
	t->page_bytes = UINT64_MAX;
	for (uint16_t i = 0; i < t->cnt; i++)
		t->page_bytes = RTE_MIN(t->page_bytes, 1ull << proc->pairs[i].region->page_shift);
}

static void
gather_tx(struct rte_eth_dev *dev)
{
	const struct xsk_pair *pair = &xsk_proc(dev)->pairs[0];
	struct xsk_tune *t = xsk_proc(dev)->tune;
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	if (pair->region->zc || pair->sock->cfg.tx_entries == 0)
		return;
	t->tx_budget = pair->sock->tx_budget;
	if (getsockopt(pair->sock->fd, SOL_SOCKET, SO_SNDBUF, &bytes, &len) == 0)
		t->tx_sndbuf = bytes;
}

void
xsk_tune_gather(struct rte_eth_dev *dev)
{
	struct xsk_proc *proc = xsk_proc(dev);
	struct xsk_tune *t = proc->tune;
	struct afx_coalesce c;

	(void)afx_cpulist_online(t->online);
	for (uint16_t i = 0; i < t->cnt; i++)
		gather_queue(dev, i);
	gather_memory(dev);
	gather_tx(dev);
	t->rx_usecs = UINT32_MAX;
	if (afx_ethtool_coalesce(proc->ctl, xsk_port(dev)->ifindex, &c, NULL) == 0) {
		t->rx_usecs = c.rx_usecs;
		t->adaptive_rx = c.adaptive_rx;
	}
	t->irqbalance = runs("irqbalance");
	t->busy_read = read_number("/proc/sys/net/core/busy_read");
	t->busy_poll = read_number("/proc/sys/net/core/busy_poll");
}

static void __rte_format_printf(2, 3)
advise(struct xsk_tune *t, const char *fmt, ...)
{
	char *text = t->advice[t->advice_cnt];
	va_list ap;

	if (t->advice_cnt == XSK_ADVICE_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, XSK_ADVICE_LEN, fmt, ap);
	va_end(ap);
	for (uint32_t i = 0; i < t->advice_cnt; i++)
		if (strcmp(t->advice[i], text) == 0)
			return;
	t->advice_cnt++;
}

static void
advise_queue(struct rte_eth_dev *dev, uint16_t qid)
{
	struct xsk_tune *t = xsk_proc(dev)->tune;
	const struct xsk_tune_queue *q = &t->queue[qid];
	const struct xsk_rxq *rxq = dev->data->rx_queues[qid];
	int cpu = __atomic_load_n(&q->poll_cpu, __ATOMIC_RELAXED);

	if (cpu < 0)
		return;
	if (q->irq == 0 || q->irq_cpus[0] == '\0')
		return;
	if (!rxq->busy && afx_cpulist_has(q->irq_cpus, cpu))
		advise(t,
			"rx queue %u: CPU %d polls it and runs its interrupts too (IRQ %u on CPU "
			"%s): they take time from each other; move one of them (tune=apply, or "
			"echo <cpu> >/proc/irq/%u/smp_affinity_list), or give busy_poll=auto",
			qid, cpu, q->irq, q->irq_cpus, q->irq);
	if (rxq->busy && !afx_cpulist_has(q->irq_cpus, cpu))
		advise(t, "rx queue %u: busy polling on CPU %d, while its interrupts go to CPU %s "
			"(IRQ %u): without busy polling two CPUs would share the work",
			qid, cpu, q->irq_cpus, q->irq);
}

static void
advise_memory(struct rte_eth_dev *dev)
{
	struct xsk_tune *t = xsk_proc(dev)->tune;

	if (t->page_bytes <= 1 << 16)
		advise(t,
			"the registered memory lies in pages of %" PRIu64 " KiB: hugepages spare "
			"the CPU most of its address translation (leave out --no-huge)",
			t->page_bytes >> 10);
	if (t->nic_node >= 0 && t->pool_node >= 0 && t->nic_node != t->pool_node)
		advise(t,
			"%s is on NUMA node %d, the receive pool on node %d: create the pool with "
			"socket id %d", xsk_port(dev)->ifname, t->nic_node, t->pool_node,
			t->nic_node);
}

static void
advise_tx(struct rte_eth_dev *dev)
{
	const struct xsk_pair *pair = &xsk_proc(dev)->pairs[0];
	struct xsk_tune *t = xsk_proc(dev)->tune;

	if (t->tx_budget == 0)
		return;
	if (t->tx_budget < pair->sock->cfg.tx_entries)
		advise(t, "one system call sends %u packets of a ring of %u: Linux 6.17 or newer "
			"sends as many as are there", t->tx_budget, pair->sock->cfg.tx_entries);
	/* The kernel doubles what is asked for and tells the double. */
	if (t->tx_sndbuf < 2ull * pair->sock->cfg.tx_entries * 2 * AFX_CHUNK_MAX)
		advise(t,
			"packets on their way may hold %" PRIu64 " KiB in the kernel, a full ring "
			"of %u needs up to %u: give CAP_NET_ADMIN, or raise net.core.wmem_max",
			t->tx_sndbuf >> 10, pair->sock->cfg.tx_entries,
			pair->sock->cfg.tx_entries * 4 * AFX_CHUNK_MAX >> 10);
}

static void
advise_interrupts(struct rte_eth_dev *dev)
{
	struct xsk_tune *t = xsk_proc(dev)->tune;
	const char *ifname = xsk_port(dev)->ifname;
	bool irqs = false;

	for (uint16_t i = 0; i < t->cnt; i++)
		irqs |= t->queue[i].irq != 0;
	if (irqs && t->irqbalance)
		advise(t, "irqbalance runs and moves interrupts as it likes: ban those of %s "
			"(--banirq) or stop it", ifname);
	if (t->rx_usecs != UINT32_MAX && (t->rx_usecs > 0 || t->adaptive_rx))
		advise(t,
			"%s holds interrupts back for %u us%s: less is less latency, more is less "
			"work (ethtool -C %s adaptive-rx off rx-usecs <n>)", ifname, t->rx_usecs,
			t->adaptive_rx ? ", adaptively" : "", ifname);
	if (t->busy_read > 0 || t->busy_poll > 0)
		advise(t,
			"net.core.busy_read and busy_poll are %ld and %ld: they make every socket "
			"of the machine poll; this driver does not need them", t->busy_read,
			t->busy_poll);
}

void
xsk_tune_advise(struct rte_eth_dev *dev)
{
	struct xsk_tune *t = xsk_proc(dev)->tune;

	for (uint16_t i = 0; i < dev->data->nb_rx_queues && i < t->cnt; i++)
		advise_queue(dev, i);
	if (t->looks == 0) {
		advise_memory(dev);
		advise_tx(dev);
		advise_interrupts(dev);
	}
	for (; t->advised < t->advice_cnt; t->advised++)
		XSK_LOG(NOTICE, "%s: advice: %s", dev->device->name, t->advice[t->advised]);
}
