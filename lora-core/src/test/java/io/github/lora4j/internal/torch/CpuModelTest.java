package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class CpuModelTest {

  private static final String AVX512 = "fpu avx2 avx512f avx512bw avx512cd avx512dq avx512vl";

  private static CpuModel cpu(String vendor, int family, String flags) {
    return CpuModel.parse(
            List.of(
                "processor\t: 0",
                "vendor_id\t: " + vendor,
                "cpu family\t: " + family,
                "flags\t\t: " + flags,
                "",
                "processor\t: 1",
                "vendor_id\t: other"))
        .orElseThrow();
  }

  @Test
  void zen5WithAvx512NeedsToBeToldItsKernels() {
    assertThat(cpu("AuthenticAMD", 26, AVX512).openBlasCore()).contains("SKYLAKEX");
  }

  @Test
  void processorsThatOpenBlasKnowsAreLeftToIt() {
    assertThat(cpu("AuthenticAMD", 25, AVX512).openBlasCore()).isEmpty();
    assertThat(cpu("GenuineIntel", 26, AVX512).openBlasCore()).isEmpty();
    assertThat(cpu("AuthenticAMD", 26, "fpu avx2").openBlasCore()).isEmpty();
  }

  @Test
  void anythingElseIsNotGuessed() {
    assertThat(CpuModel.parse(List.of())).isEmpty();
    assertThat(CpuModel.parse(List.of("CPU implementer : 0x41", "flags"))).isEmpty();
  }
}
