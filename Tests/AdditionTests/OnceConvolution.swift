import Cells

extension CellOperation {
  /// ReLU – depthwise 3×3 – 1×1 – batch norm, once: half of `sep_conv_3x3`. An operation of a known form that the package does
  /// not have: all that it takes to add one is this declaration, and in the package its place in `CellOperation.declared`.
  static let onceConv3x3 = CellOperation("once_conv_3x3", .depthwise(kernel: 3, dilation: 1, times: 1))
}
