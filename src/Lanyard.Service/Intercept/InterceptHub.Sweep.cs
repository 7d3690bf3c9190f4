using System.Globalization;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

// Programs close sockets, and die, without saying so: what is gone is forgotten.
internal sealed partial class InterceptHub
{
    // A program that was told where to bind does so at once.
    private const long YoungMs = 2_000;

    private static readonly string[] s_socketLists = ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"];

    private void Sweep()
    {
        SweepDatagrams();
        ProgramSocket[] old;
        lock (_lock)
        {
            var now = Environment.TickCount64;
            old = [.. _near.Values.Where(socket => now - socket.MadeAt > YoungMs)];
        }

        if (old.Length == 0)
            return;
        var present = ReadPresent();
        foreach (var socket in old)
        {
            if (present.Contains(socket.Near) || present.Contains(new InetEndpoint(InetAddress.AnyV4, socket.Near.Port)) || IsAlive(socket))
                continue;
            lock (_lock)
            {
                if (_near.TryGetValue((socket.Type, socket.Near), out var known) && known == socket)
                    Forget(socket);
            }
        }
    }

    // A TCP socket that is bound and does not listen is in no list of the system's.
    private static bool IsAlive(ProgramSocket socket) => LoopbackSockets.IsBound(socket.Near, socket.Type == InterceptSocketType.Stream);

    private static HashSet<InetEndpoint> ReadPresent()
    {
        var present = new HashSet<InetEndpoint>();
        foreach (var list in s_socketLists)
        {
            if (!File.Exists(list))
                continue;
            foreach (var line in File.ReadLines(list).Skip(1))
            {
                if (TryParseLocal(line, out var local))
                    present.Add(local);
            }
        }

        return present;
    }

    /// <summary>
    /// The local address of a line, as of <c>0: 0100407F:4E20 ...</c>: of IPv4, or IPv4 in IPv6, in words of the machine's byte order.
    /// </summary>
    internal static bool TryParseLocal(ReadOnlySpan<char> line, out InetEndpoint local)
    {
        local = default;
        var colon = line.IndexOf(':');
        if (colon < 0)
            return false;
        line = line[(colon + 1)..].TrimStart();
        colon = line.IndexOf(':');
        if (colon < 8 || line.Length < colon + 5
            || !uint.TryParse(line[(colon - 8)..colon], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var word)
            || !ushort.TryParse(line.Slice(colon + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var port))
            return false;
        if (BitConverter.IsLittleEndian)
            word = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);
        local = new InetEndpoint(InetAddress.FromV4(word), port);
        return true;
    }
}
