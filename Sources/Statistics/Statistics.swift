import CGSL
/// Statistics over the GNU Scientific Library.
public enum Statistics {}
