using Lanyard.Primitives;
using Lanyard.Wire;
namespace Lanyard.Engine;
internal enum Verdict { Drop, Accept, SuperAccept }
internal static class TempFilter {
    public static Verdict PermitsIncoming(this FrameVerbs f, in Incoming i, VirtualNetwork n, MacAddress a, MacAddress b, ushort e, ReadOnlySpan<byte> d) => Verdict.Accept;
    public static bool PermitsOutgoing(this FrameVerbs f, long now, VirtualNetwork n, NodeAddress to, MacAddress a, MacAddress b, ushort e, ReadOnlySpan<byte> d, bool isCopy) => true;
}
