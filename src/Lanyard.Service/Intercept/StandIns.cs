using System.Security.Cryptography;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>
/// Loopback addresses that stand for virtual ones: each socket of a program has one of its own, and so has the other end of each connection. Under the
/// hub's lock.
/// </summary>
internal sealed class StandIns
{
    private const uint NearFirst = 0x7f400000;
    private const uint FarFirst = 0x7f500000;
    private const uint RangeMask = 0xfff00000;
    private const uint RangeSize = 0x100000;

    // Below the ports that the system hands out.
    private const int FirstPort = 20_000;
    private const int EndPort = 32_000;

    private readonly HashSet<uint> _taken = [];
    private uint _near = (uint)RandomNumberGenerator.GetInt32((int)RangeSize);
    private uint _far = (uint)RandomNumberGenerator.GetInt32((int)RangeSize);

    public static bool IsNear(InetAddress address) => address.IsV4 && (address.V4 & RangeMask) == NearFirst;

    public static bool IsFar(InetAddress address) => address.IsV4 && (address.V4 & RangeMask) == FarFirst;

    /// <summary>An address and port for a program to bind.</summary>
    public InetEndpoint TakeNear() => new(Take(NearFirst, ref _near), (ushort)RandomNumberGenerator.GetInt32(FirstPort, EndPort));

    /// <summary>An address for the other end of a connection.</summary>
    public InetAddress TakeFar() => Take(FarFirst, ref _far);

    public void Release(InetAddress address) => _taken.Remove(address.V4);

    // The one that was given back longest ago comes last, since it may still be known by its old meaning. The hub's limit on sockets leaves some free.
    private InetAddress Take(uint first, ref uint last)
    {
        while (true)
        {
            last = (last + 1) % RangeSize;
            var address = first | last;
            if ((byte)address is not (0 or 255) && _taken.Add(address))
                return InetAddress.FromV4(address);
        }
    }
}
