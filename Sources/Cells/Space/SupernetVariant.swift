/// What orthogonal variants of DARTS change in a supernet. The default is DARTS' own network.
public struct SupernetVariant: Hashable, Sendable {
  /// What images it is built for: DARTS' own stem, or the strided one of the search networks for ImageNet, of 3C channels, behind
  /// which the first cell halves its farther input as after a reduction (yuhuixu1993/PC-DARTS b74702f, model_search_imagenet.py,
  /// 112–130; the same in vicFigure/ZARTS 38bb2a6, cnn/model_search.py, 228–260).
  public var scale = NetworkScale.cifar
  /// K: the operations of every edge see the first 1/K of the channels, the others bypass them (Xu et al., PC-DARTS, ICLR
  /// 2020, §3.2). 1: all channels.
  public var partialChannels = 1
  /// Whether edges into a node have weights of their own, the softmax over them of β, one value an edge (PC-DARTS, §3.3).
  public var edgeNormalisation = false
  /// Whether skip connections drop values at the rate that a batch names (Chen et al., P-DARTS, ICCV 2019, §3.3.1).
  public var skipDropout = false
  /// Whether the convolutions of an edge are one with a shared kernel, which α shapes (Wang et al., MergeNAS, IJCAI 2020).
  public var mergedConvolutions = false
  /// Whether images drop whole edges at the rate that a batch names (Zela et al., RobustDARTS, ICLR 2020, src/search/model_search.py).
  public var dropsPaths = false
  /// Whether every edge adds its state, as a skip connection does, with the weight `ArchitectureParameters.auxiliarySkip` beside
  /// its mixture (Chu et al., DARTS-, ICLR 2021).
  public var auxiliarySkip = false
  /// The candidates where they are fewer than the space's.
  public var operations: EdgeOperations?

  public init() {}
}
