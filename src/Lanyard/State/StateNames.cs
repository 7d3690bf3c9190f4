using System.Globalization;
using Lanyard.Engine;

namespace Lanyard;

/// <summary>The names of a node's stored values, which are files in its state folder.</summary>
internal static class StateNames
{
    public const string SecretIdentity = "identity.secret";
    public const string PublicIdentity = "identity.public";
    public const string Planet = "planet";
    public const string MoonFolder = "moons.d";
    public const string NetworkFolder = "networks.d";
    public const string PeerFolder = "peers.d";
    public const string Port = "lanyard.port";
    public const string Lock = "lanyard.lock";

    private const string MoonEnd = ".moon";
    private const string NetworkEnd = ".conf";
    private const string SettingsEnd = ".local.conf";
    private const string PeerEnd = ".peer";
    private const int IdDigits = 16;
    private const int AddressDigits = 10;
    private const string RevocationsEnd = ".revoked";

    /// <summary>The files in the state folder.</summary>
    public static IReadOnlyCollection<string> Files { get; } = [SecretIdentity, PublicIdentity, Planet, Port, Lock];

    /// <summary>The subfolders of the state folder.</summary>
    public static IReadOnlyCollection<string> Folders { get; } = [MoonFolder, NetworkFolder, PeerFolder];

    /// <summary>Returns the users that may read a file.</summary>
    public static StateFileAccess AccessOf(string name) => name == PublicIdentity ? StateFileAccess.Everyone : StateFileAccess.Owner;

    public static string Of(StateKind kind, ulong id) => kind switch
    {
        StateKind.Planet => Planet,
        StateKind.Moon => string.Create(CultureInfo.InvariantCulture, $"{MoonFolder}/{id:x16}{MoonEnd}"),
        StateKind.NetworkConfig => string.Create(CultureInfo.InvariantCulture, $"{NetworkFolder}/{id:x16}{NetworkEnd}"),
        StateKind.Revocations => string.Create(CultureInfo.InvariantCulture, $"{NetworkFolder}/{id:x16}{RevocationsEnd}"),
        StateKind.Peer => string.Create(CultureInfo.InvariantCulture, $"{PeerFolder}/{id:x10}{PeerEnd}"),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "This kind of state has no name."),
    };

    public static string NetworkSettings(ulong id) => string.Create(CultureInfo.InvariantCulture, $"{NetworkFolder}/{id:x16}{SettingsEnd}");

    public static bool TryParseMoon(string name, out ulong id) => TryParse(name, MoonFolder, IdDigits, MoonEnd, out id);

    public static bool TryParseNetwork(string name, out ulong id) => TryParse(name, NetworkFolder, IdDigits, NetworkEnd, out id);

    public static bool TryParsePeer(string name, out ulong address) => TryParse(name, PeerFolder, AddressDigits, PeerEnd, out address);

    /// <summary>Whether the name of a file in the folder of networks is that of a network's file.</summary>
    public static bool IsOfNetwork(string name) => TryParse(name, NetworkFolder, IdDigits, SettingsEnd, out var id) || TryParse(name, NetworkFolder, IdDigits, RevocationsEnd, out id)
        || (TryParse(name, NetworkFolder, IdDigits, NetworkEnd, out id) && id != 0);

    private static bool TryParse(string name, string folder, int digits, string end, out ulong id)
    {
        id = 0;
        return name.Length == folder.Length + 1 + digits + end.Length
            && name.StartsWith(folder, StringComparison.Ordinal) && name[folder.Length] == '/' && name.EndsWith(end, StringComparison.Ordinal)
            && !name.Contains('\0', StringComparison.Ordinal) && ulong.TryParse(name.AsSpan(folder.Length + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }
}
