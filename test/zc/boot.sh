# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Starts a guest: initramfs, network cards, emulator. Sourced by lab.sh, which sets ROOT and ZC;
# fetch.sh has set KDIR and KREL.

MODULES=(virtio_pci virtio_net 9p 9pnet_virtio overlay veth igb xsk_diag uio_pci_generic)

# zc_modules DIR: the modules with what they need, unpacked, and the order to load them in.
zc_modules() {
	local out=$1 tree=$KDIR/usr/lib/modules/$KREL name line deps m file
	mkdir -p "$out"
	: >"$out/order"
	for name in "${MODULES[@]}"; do
		# One that is not there is built in.
		line=$(grep -E "/$name\.ko(\.xz|\.zst)?:" "$tree/modules.dep") || continue
		read -r -a deps <<<"${line#*:}"
		for ((m = ${#deps[@]} - 1; m >= -1; m--)); do
			file=${line%%:*}
			[ $m = -1 ] || file=${deps[$m]}
			name=$(basename "$file" | sed 's/\.\(xz\|zst\)$//')
			grep -qx "$name" "$out/order" && continue
			case $file in
			*.xz) xz -dc "$tree/$file" >"$out/$name" ;;
			*.zst) zstd -qdc "$tree/$file" >"$out/$name" ;;
			*) cp "$tree/$file" "$out/$name" ;;
			esac || return 1
			echo "$name" >>"$out/order"
		done
	done
}

# zc_initramfs FILE
zc_initramfs() {
	local dir
	dir=$(mktemp -d "$ZC/ir.XXXXXX") || return 1
	mkdir -p "$dir/bin" "$dir/dev"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	cp "$ROOT/test/zc/guest/init" "$dir/init"
	chmod 755 "$dir/init"
	zc_modules "$dir/mods" &&
		(cd "$dir" && find . | cpio -o -H newc --quiet | zstd -q -3 >"$1")
	local status=$?
	rm -rf "$dir"
	return $status
}

# zc_nics KIND: emulator arguments for one pair of cards, added to the array nic_args. The last two
# digits of the MAC address are the kind and the end.
zc_nics() {
	local kind=$1 n=$((${#nic_args[@]})) end net dev virtio queues
	virtio=romfile=,iommu_platform=on,disable-legacy=on
	for end in 1 2; do
		net=n$n$end
		case $kind in
		igb)
			nic_args+=(-netdev "hubport,id=$net,hubid=$n"
				-device "pcie-root-port,id=rp$net,chassis=$end,slot=$end")
			dev=igb,bus=rp$net,mac=02:00:00:00:01:0$end
			;;
		virtio)
			nic_args+=(-netdev "hubport,id=$net,hubid=$n")
			dev=virtio-net-pci,$virtio,mac=02:00:00:00:02:0$end
			;;
		virtio-plain)
			nic_args+=(-netdev "hubport,id=$net,hubid=$n")
			dev=virtio-net-pci,romfile=,disable-legacy=on,mac=02:00:00:00:04:0$end
			;;
		virtio-mq2 | virtio-mq4)
			queues=${kind#virtio-mq}
			nic_args+=(-netdev
				"tap,id=$net,ifname=zctap$queues$end,queues=$queues,$MQ_TAP")
			dev=virtio-net-pci,$virtio,mq=on,vectors=$((2 * queues + 2))
			# An RSS table for one, so that fewer queues than there are can be had.
			[ "$queues" != 4 ] || dev+=,rss=on
			dev+=,mac=02:00:00:00:0$((queues + 1)):0$end
			;;
		*) zc_skip "no network cards '$kind': igb, virtio, virtio-mq2, virtio-mq4," \
			"virtio-plain" ;;
		esac
		nic_args+=(-device "$dev,netdev=$net")
	done
}
MQ_TAP=script=no,downscript=no,vhost=off

# zc_taps: pairs of multi-queue taps, each on a bridge of its own, which the emulator opens. Only
# inside a network namespace of our own.
zc_taps() {
	local queues end
	for queues in 2 4; do
		ip link add "zcbr$queues" mtu 9200 type bridge stp_state 0 forward_delay 0 \
			mcast_snooping 0 &&
			ip link set "zcbr$queues" up || return 1
		for end in 1 2; do
			ip tuntap add "zctap$queues$end" mode tap multi_queue &&
				ip link set "zctap$queues$end" mtu 9200 master "zcbr$queues" up ||
				return 1
		done
	done
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

# zc_qemu SHARE SECONDS: run the guest to its end. Arguments from NICS, IOMMU, CMDLINE.
zc_qemu() {
	local share=$1 limit=$2 kind machine=q35 wrap=() nic_args=()
	local cmdline="console=ttyS0 panic=-1 quiet mitigations=off net.ifnames=0 ${CMDLINE-}"
	for kind in ${NICS//,/ }; do
		zc_nics "$kind"
	done
	if [ -n "$IOMMU" ]; then
		machine=q35,kernel-irqchip=split
		# shellcheck disable=SC2054 # commas of qemu's options
		nic_args=(-device intel-iommu,intremap=off,device-iotlb=on "${nic_args[@]}")
		cmdline+=" intel_iommu=on iommu=$IOMMU"
	fi
	# A busy machine must not look like a stuck guest.
	cmdline+=" panic_on_oops=0 loglevel=7 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"
	if [[ $NICS == *virtio-mq* ]]; then
		wrap=(unshare --net "$BASH" "$ROOT/test/zc/lab.sh" in-taps)
	fi
	exec timeout -k 5 "$limit" nice -n "${ZC_NICE:-10}" "${wrap[@]}" qemu-system-x86_64 \
		-M "$machine" -accel tcg,thread=multi -cpu max -smp "${SMP:-2}" -m "${MEM:-2048}" \
		-nographic -nodefaults -serial stdio -no-reboot \
		-kernel "$KDIR/vmlinuz" -initrd "$share.initrd" -append "$cmdline" \
		-virtfs \
		local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		-virtfs "local,path=$share,mount_tag=share,security_model=none" "${nic_args[@]}"
}
