package io.github.lora4j;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Holds the arrows of this module: see the architecture page. */
@AnalyzeClasses(
    packages = {"io.github.lora4j.quant", "io.github.lora4j.internal.quant"},
    importOptions = ImportOption.DoNotIncludeTests.class)
class QuantArchitectureTest {

  private static final String KERNELS = "io.github.lora4j.internal.quant..";

  private static final DescribedPredicate<JavaClass> FOREIGN =
      resideOutsideOfPackages("java..", "io.github.lora4j..", "org.jspecify..");

  @ArchTest
  static final ArchRule kernelsKnowTensorsAndErrorsAlone =
      classes()
          .that()
          .resideInAPackage(KERNELS)
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                  KERNELS,
                  "io.github.lora4j.tensor..",
                  "io.github.lora4j.error..",
                  "java..",
                  "jdk.incubator.vector..",
                  "org.jspecify..",
                  "org.slf4j.."));

  @ArchTest
  static final ArchRule nativeBindingsAreCoresAlone =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.bytedeco..", "com.sun.jna..", "io.github.lora4j.internal.torch..", "sun.misc..");

  @ArchTest
  static final ArchRule publicSignaturesShowNoForeignType =
      noCodeUnits()
          .that()
          .areDeclaredInClassesThat()
          .arePublic()
          .and()
          .arePublic()
          .should(be(describe("showing a foreign type", QuantArchitectureTest::showsForeignType)));

  private static boolean showsForeignType(JavaCodeUnit unit) {
    return FOREIGN.test(unit.getRawReturnType().getBaseComponentType())
        || unit.getRawParameterTypes().stream()
            .anyMatch(type -> FOREIGN.test(type.getBaseComponentType()));
  }

  @ArchTest
  static final ArchRule publicClassesAreFinal =
      classes()
          .that()
          .arePublic()
          .and()
          .areNotInterfaces()
          .should()
          .haveModifier(JavaModifier.FINAL);

  @ArchTest
  static final ArchRule noStaticMutableState = fields().that().areStatic().should().beFinal();

  @ArchTest
  static final ArchRule noCycles =
      slices().matching("io.github.lora4j.(*)..").should().beFreeOfCycles();
}
