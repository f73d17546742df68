package ethosu

// Memory describes one memory as the NPU sees it.
type Memory struct {
	Name         string  // Sram, Dram, OnChipFlash, OffChipFlash
	ClockScale   float64 // fraction of the port's width per NPU cycle
	Burst        int     // bytes
	ReadLatency  int     // NPU cycles
	WriteLatency int
}

// SystemConfig names the memories behind the two AXI ports. Names and numbers are
// those of the Vela compiler's system configurations.
type SystemConfig struct {
	Name  string
	Clock float64 // Hz
	Axi0  Memory
	Axi1  Memory
}

// MemoryMode says which port holds constants, the arena and the fast scratch.
type MemoryMode struct {
	Name                string
	Const, Arena, Cache int // port 0 or 1
	CacheSize           int // bytes; 0: no limit of its own
}
