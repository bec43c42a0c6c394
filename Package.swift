// swift-tools-version: 6.1
import PackageDescription

// Rooms in the order of the house: each may import only rooms above it.
let rooms = [
  "Compute", "Formats", "Statistics", "Datasets", "Cells", "Engine", "Problems", "Runs", "Search", "Retraining", "Landscape",
  "Studies", "Diagnosis", "Suites", "Figures", "Plots",
]

let package = Package(
  name: "zarts",
  products: [
    .executable(name: "zarts", targets: ["zarts"]),
    .library(name: "ZartsKit", targets: rooms),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
  ],
  targets: [
    .target(name: "CKernels"),
    .systemLibrary(name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CMatIO", pkgConfig: "matio", providers: [.apt(["libmatio-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // Ground
    .target(name: "Compute", dependencies: ["CKernels"]),
    .target(name: "Formats", dependencies: ["CArchive", "CCrypto", "CKernels", "CZlib", "Compute"]),
    .target(name: "Statistics", dependencies: ["CGSL", "Compute", "Formats"]),
    .target(name: "Datasets", dependencies: ["CArchive", "CJPEG", "CMatIO", "CPNG", "Compute", "Formats"]),

    // What is computed
    .target(name: "Cells", dependencies: ["Compute", "Formats"]),
    .target(name: "Engine", dependencies: ["CKernels", "Cells", "Compute", "Datasets", "Formats"]),
    .target(name: "Problems", dependencies: ["Cells", "Compute", "Datasets", "Engine", "Formats", "Statistics"]),

    // What is run
    .target(
      name: "Runs",
      dependencies: ["Compute", "Formats", "Datasets", "Problems", .product(name: "Logging", package: "swift-log")]),
    .target(
      name: "Search",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Cells", "Engine", "Problems", "Runs",
        .product(name: "Yams", package: "Yams"), .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Retraining",
      dependencies: [
        "Compute", "Formats", "Datasets", "Cells", "Engine", "Problems", "Runs", .product(name: "Yams", package: "Yams"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Landscape",
      dependencies: ["Compute", "Formats", "Statistics", "Datasets", "Cells", "Problems", "Runs", "Search"]),
    .target(
      name: "Studies",
      dependencies: ["Compute", "Formats", "Statistics", "Cells", "Problems", "Runs", "Search", "Landscape"]),
    .target(
      name: "Diagnosis",
      dependencies: ["Compute", "Formats", "Statistics", "Cells", "Problems", "Runs", "Search", "Landscape", "Studies"]),
    .target(
      name: "Suites",
      dependencies: [
        "Compute", "Formats", "Datasets", "Cells", "Engine", "Problems", "Runs", "Search", "Retraining", "Diagnosis",
        .product(name: "Yams", package: "Yams"), .product(name: "Logging", package: "swift-log"),
      ]),

    // What is shown
    .target(name: "Figures", dependencies: ["CCairo", "CPNG", "Formats"]),
    .target(
      name: "Plots",
      dependencies: [
        "Formats", "Datasets", "Cells", "Runs", "Search", "Retraining", "Landscape", "Studies", "Figures",
      ]),
    .target(
      name: "Reports",
      dependencies: [
        "Compute", "Formats", "Cells", "Runs", "Search", "Retraining", "Landscape", "Diagnosis", "Figures", "Plots",
        .product(name: "Yams", package: "Yams"),
      ]),
    .target(
      name: "Watch",
      dependencies: [
        "Compute", "Formats", "Reports", .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "zarts",
      dependencies: rooms.map { .byName(name: $0) } + [
        "Reports", "Watch", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // What tests share: the ground, networks in plain loops, problems and searches that are watched, a small closed form
    .target(
      name: "TestSupport", dependencies: ["Compute", "Formats"], path: "Tests/TestSupport", resources: [.copy("Golden")]),
    .target(
      name: "NetworkSupport",
      dependencies: ["CKernels", "Compute", "Formats", "Datasets", "Cells", "Engine", "TestSupport"],
      path: "Tests/NetworkSupport"),
    .target(
      name: "SearchSupport", dependencies: ["Compute", "Formats", "Cells", "Problems", "Runs", "Search", "TestSupport"],
      path: "Tests/SearchSupport"),
    .target(
      name: "ClosedFormSupport", dependencies: ["Compute", "Formats", "Cells", "Problems"], path: "Tests/ClosedFormSupport"),

    // Tests, by the room that they test
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "Compute"]),
    .testTarget(name: "ComputeTests", dependencies: ["Compute", "TestSupport"]),
    .testTarget(name: "FormatsTests", dependencies: ["Compute", "Formats", "CZlib", "TestSupport"]),
    .testTarget(name: "StatisticsTests", dependencies: ["Statistics", "Compute", "Formats", "TestSupport"]),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Compute", "Formats", "CZlib", "CMatIO", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "CellsTests", dependencies: ["Cells", "Compute", "Formats", "TestSupport"]),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Cells", "Engine", "Problems", "TestSupport", "NetworkSupport",
      ]),
    .testTarget(
      name: "ProblemsTests",
      dependencies: [
        "Problems", "Cells", "Compute", "Datasets", "Formats", "Statistics", "TestSupport", "SearchSupport",
        "ClosedFormSupport",
      ]),
    .testTarget(name: "RunsTests", dependencies: ["Compute", "Formats", "Problems", "Runs", "TestSupport"]),
    .testTarget(
      name: "SearchTests",
      dependencies: [
        "Compute", "Formats", "Datasets", "Cells", "Engine", "Problems", "Runs", "Search", "TestSupport", "SearchSupport",
        "ClosedFormSupport",
      ]),
    .testTarget(
      name: "RetrainingTests",
      dependencies: [
        "Compute", "Formats", "Datasets", "Cells", "Engine", "Problems", "Runs", "Search", "Retraining", "Landscape",
        "TestSupport",
      ]),
    .testTarget(
      name: "LandscapeTests",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Cells", "Problems", "Search", "Landscape", "TestSupport",
        "ClosedFormSupport",
      ]),
    .testTarget(
      name: "StudiesTests",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Cells", "Problems", "Search", "Landscape", "Studies", "TestSupport",
        "ClosedFormSupport",
      ]),
    .testTarget(
      name: "DiagnosisTests",
      dependencies: [
        "Compute", "Formats", "Statistics", "Cells", "Problems", "Search", "Landscape", "Diagnosis", "TestSupport",
        "ClosedFormSupport",
      ]),
    .testTarget(
      name: "SuitesTests",
      dependencies: [
        "Compute", "Formats", "Datasets", "Cells", "Engine", "Problems", "Runs", "Search", "Retraining", "Suites",
        "TestSupport", "SearchSupport",
      ]),
    .testTarget(name: "FiguresTests", dependencies: ["Formats", "Figures", "CPNG", "TestSupport"], exclude: ["References"]),
    .testTarget(
      name: "ReportsTests",
      dependencies: ["Formats", "Cells", "Problems", "Runs", "Search", "Figures", "Reports", "TestSupport"]),
    // Things that the package hasn't got, each added by a file and taken through all rooms
    .testTarget(
      name: "AdditionTests",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Cells", "Engine", "Problems", "Runs", "Search", "Retraining",
        "Landscape", "Studies", "Diagnosis", "Figures", "Plots", "TestSupport", "NetworkSupport", "SearchSupport",
        "ClosedFormSupport",
      ]),
    .testTarget(
      name: "zartsTests",
      dependencies: [
        "Compute", "Formats", "Cells", "Problems", "Search", "Retraining", "Landscape", "Diagnosis", "Suites", "Figures",
        "Plots", "zarts", "TestSupport",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
