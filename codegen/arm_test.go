// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// armProject is the variant for Arm's driver.
func armProject() Project {
	p := tiny("arm_acc", 48)
	p.Options.Driver = ArmDriver
	return p
}

// TestArmDriverProject runs the golden vectors through a stand-in for Arm's driver
// that checks the payload.
func TestArmDriverProject(t *testing.T) {
	tool(t, "gcc")
	dir := onDisk(t, armProject())
	copyFiles(t, dir, "testdata/arm/ethosu_driver.h", "npu/ethosu_driver.h", "testdata/arm/main.c", "main.c")
	runIn(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-Iinclude", "-Inpu", "-Iapp", "-o", "check",
		"main.c", "src/arm_acc.c", "src/arm_acc_model.c", "src/unroll_arm_config.c", "app/check.c", "app/golden.c")
	if out := runIn(t, dir, "./check"); !strings.Contains(out, "5 calls, 0 mismatches") {
		t.Error(out)
	}
}

// TestArmDriverSequenceReadme: base addresses of a sequence are not what the driver's header
// promises cache functions, and its README has to say so.
func TestArmDriverSequenceReadme(t *testing.T) {
	for _, p := range []Project{tinySequence("seq"), armProject()} {
		p.Options.Driver = ArmDriver
		const warning = "base addresses are multiples of 16"
		if said := strings.Contains(string(generate(t, p)["README.md"]), warning); said != (p.Prefix == "seq") {
			t.Errorf("%s: README says %q: %v", p.Prefix, warning, said)
		}
	}
}

// TestArmDriverProjectLibrary: the library is Arm's driver's caller and nothing of ours; what
// runs the golden vectors lies apart.
func TestArmDriverProjectLibrary(t *testing.T) {
	tree := generate(t, armProject())
	for _, path := range tree.Paths() {
		if strings.Contains(path, "solution") {
			t.Errorf("%s has no use with Arm's driver", path)
		}
		if strings.HasPrefix(path, "src/") || strings.HasPrefix(path, "include/") {
			for _, own := range []string{"npu_driver.h", "npu_port.h", "unroll_npu_init"} {
				if strings.Contains(string(tree[path]), own) {
					t.Errorf("%s uses %s", path, own)
				}
			}
		}
	}
	for conf, options := range map[string][]string{
		"prj.conf":   {"CONFIG_ETHOS_U=y", "CONFIG_ETHOS_U55_128=y"},
		"older.conf": {"CONFIG_ARM_ETHOS_U=y", "CONFIG_ARM_ETHOS_U55_128=y"},
	} {
		for _, option := range append(options, "CONFIG_ARM_ACC=y") {
			if !strings.Contains(string(tree["zephyr/sample/"+conf]), "\n"+option+"\n") {
				t.Errorf("zephyr/sample/%s does not say %s:\n%s", conf, option, tree["zephyr/sample/"+conf])
			}
		}
	}
	for _, c := range [][2]string{{"ethos-u55-32", "U55_64"}, {"ethos-u65-512", "U65_512"}, {"ethos-u85-2048", "U85_2048"}} {
		accel, err := ethosu.ParseAccelerator(c[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := (&view{Accel: accel.Name, MACs: accel.MACs}).ZephyrNPU(); got != c[1] {
			t.Errorf("%s is %s for Zephyr, expected %s", c[0], got, c[1])
		}
	}
	for _, need := range []string{"zephyr/module.yml", "zephyr/Kconfig", "zephyr/sample/src/main.c", "ethosu/standin/ethosu_driver.h", "platform/qemu/board.cmake"} {
		if tree[need] == nil {
			t.Errorf("the project has no %s", need)
		}
	}
}
