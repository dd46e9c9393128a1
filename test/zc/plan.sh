# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Which guests boot and what runs in them: guest NAME OPTIONS -- TEST... Sourced by run.sh. A boot
# is 10 seconds, so tests share guests; a guest that fails says nothing about the others.

guest zero-copy --nics igb,virtio,virtio-mq4 --limit 900 -- "features igb virtio" \
	"forward igb 8+4+2+1" "forward virtio 1" "forward virtio-mq4 4+2+1" "refused igb" \
	"reconfig igb" "dispatcher igb 2"
guest frames --nics igb,virtio --limit 900 -- "dut zc-frames igb" "dut zc-frames virtio" \
	"dut zc-txonly igb" "dut zc-txonly virtio" "dut zc-reset igb" "dut zc-reset virtio" \
	"dut zc-span igb+virtio+veth" "ping igb" "dut zc-release igb 2" "dut zc-release virtio" \
	"dut taken-queue igb" "dut taken-queue virtio" "dut zc-unbind igb" "dut zc-unbind virtio"
guest iommu --nics igb,virtio --iommu --limit 900 -- "iommu igb" "iommu virtio" \
	"dut zc-frames igb 1 --iommu" "dut zc-frames virtio 1 --iommu"
guest 6.12 --kernel 6.12 --nics igb,virtio --limit 600 -- "features igb virtio" \
	"forward igb 2 native_copy" "program prog_object"
guest 6.1 --kernel 6.1 --nics igb,virtio --limit 600 -- "features igb virtio" \
	"forward igb 2 native_copy"

# shellcheck disable=SC2317 # called by run.sh
plan_extra() {
	guest more --nics igb,virtio --limit 900 -- "through virtio igb 1" "release igb 2" \
		"release virtio 1" "dut zc-churn igb 2" "dut zc-churn virtio"
	guest busy --nics igb,virtio --limit 900 -- "busy igb 2" "busy virtio 1" "jumbo virtio 1"
	guest twins-virtio --nics virtio --limit 900 -- "twins virtio 1"
	guest twins-igb --nics igb --limit 900 -- \
		"twins igb 1 send-receive single queues unaligned bidirectional teardown" \
		"twins igb 1 headroom inv-desc inv-desc-odd tx-invalid tx-consumer rx-full" \
		"twins igb 1 fill-empty prog-swap drop-half shared-umem metadata" \
		"twins igb 1 tail-shrink tail-grow min-rings"
	guest dispatcher --nics virtio --limit 400 -- "dispatcher virtio"
	guest multiqueue --nics virtio-mq2 --limit 400 -- "forward virtio-mq2 2"
	guest more-queues --nics virtio-mq4 --limit 600 -- "reconfig virtio-mq4"
	guest passthrough --nics igb --iommu pt --limit 400 -- "forward igb 1"
	guest plain --nics virtio-plain --limit 400 -- \
		"forward virtio-plain 1 native_copy ACCESS_PLATFORM"
	guest 6.12-more --kernel 6.12 --nics virtio --limit 600 -- "dispatcher veth" \
		"forward virtio 1 native_copy"
	guest 6.1-more --kernel 6.1 --nics virtio --limit 600 -- "dispatcher veth" \
		"forward virtio 1 native_copy"
	guest 6.18 --kernel 6.18 --nics igb,virtio --limit 600 -- "features igb virtio" \
		"forward igb 2"
	guest 7.3 --kernel 7.3 --nics igb,virtio --limit 600 -- "features igb virtio" \
		"forward igb 2"
}
