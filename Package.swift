// swift-tools-version: 6.1
import PackageDescription

// Rooms in the order of the house: each may import only rooms above it.
let package = Package(
  name: "zarts",
  products: [
    .executable(name: "zarts", targets: ["zarts"]),
    .library(
      name: "ZartsKit",
      targets: ["Compute", "Formats", "Statistics", "Datasets", "Supernet", "Search", "Landscape", "Figures"]),
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
    .target(name: "Compute", dependencies: ["CKernels"]),
    .target(name: "Statistics", dependencies: ["CGSL", "Compute"]),
    .target(name: "Formats", dependencies: ["CArchive", "CKernels", "CZlib", "Compute"]),
    .target(
      name: "Datasets",
      dependencies: ["CArchive", "CCrypto", "CJPEG", "CMatIO", "CPNG", "Compute", "Formats"]),
    .target(name: "Supernet", dependencies: ["CKernels", "Compute", "Formats", "Datasets"]),
    .target(
      name: "Search",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Supernet",
        .product(name: "Yams", package: "Yams"), .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "Landscape", dependencies: ["Compute", "Formats", "Statistics", "Datasets", "Supernet", "Search"]),
    .target(name: "Figures", dependencies: ["CCairo", "CPNG", "Formats"]),
    .target(
      name: "Reports",
      dependencies: [
        "Compute", "Formats", "Supernet", "Search", "Landscape", "Figures", .product(name: "Yams", package: "Yams"),
      ]),
    .target(
      name: "Watch",
      dependencies: [
        "Reports", .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "zarts",
      dependencies: [
        "Compute", "Formats", "Statistics", "Datasets", "Supernet", "Search", "Landscape", "Figures", "Reports", "Watch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestSupport", dependencies: ["CKernels", "Compute", "Formats", "Datasets", "Supernet", "Search"],
      path: "Tests/TestSupport"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "Compute"]),
    .testTarget(name: "ComputeTests", dependencies: ["Compute"]),
    .testTarget(name: "StatisticsTests", dependencies: ["Statistics", "Compute"]),
    .testTarget(name: "FormatsTests", dependencies: ["Formats", "CZlib"]),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Compute", "Formats", "CZlib", "CMatIO"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "SupernetTests", dependencies: ["Supernet", "TestSupport"], resources: [.copy("Golden")]),
    .testTarget(name: "SearchTests", dependencies: ["Search", "TestSupport"]),
    .testTarget(name: "LandscapeTests", dependencies: ["Landscape"]),
    .testTarget(name: "FiguresTests", dependencies: ["Figures"], exclude: ["References"]),
    .testTarget(name: "ReportsTests", dependencies: ["Reports", "Formats", "Figures", "Search", "Supernet"]),
    .testTarget(name: "zartsTests", dependencies: ["zarts"]),
  ],
  swiftLanguageModes: [.v6]
)
