using System.Globalization;
using Lanyard.Engine;

namespace Lanyard;

/// <summary>The names of what a node keeps, as files of its folder.</summary>
internal static class StateNames
{
    public const string SecretIdentity = "identity.secret";
    public const string PublicIdentity = "identity.public";
    public const string Planet = "planet";
    public const string MoonFolder = "moons.d";
    public const string NetworkFolder = "networks.d";
    public const string PeerFolder = "peers.d";

    private const string MoonEnd = ".moon";
    private const string NetworkEnd = ".conf";
    private const string SettingsEnd = ".local.conf";

    public static string Of(StateKind kind, ulong id) => kind switch
    {
        StateKind.Planet => Planet,
        StateKind.Moon => string.Create(CultureInfo.InvariantCulture, $"{MoonFolder}/{id:x16}{MoonEnd}"),
        StateKind.NetworkConfig => string.Create(CultureInfo.InvariantCulture, $"{NetworkFolder}/{id:x16}{NetworkEnd}"),
        StateKind.Peer => string.Create(CultureInfo.InvariantCulture, $"{PeerFolder}/{id:x10}.peer"),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no name for this kind of state."),
    };

    public static string NetworkSettings(ulong id) => string.Create(CultureInfo.InvariantCulture, $"{NetworkFolder}/{id:x16}{SettingsEnd}");

    public static bool TryParseMoon(string name, out ulong id) => TryParse(name, MoonFolder, MoonEnd, out id);

    public static bool TryParseNetwork(string name, out ulong id) => TryParse(name, NetworkFolder, NetworkEnd, out id);

    private static bool TryParse(string name, string folder, string end, out ulong id)
    {
        id = 0;
        const int digits = 16;
        return name.Length == folder.Length + 1 + digits + end.Length
            && name.StartsWith(folder, StringComparison.Ordinal) && name.EndsWith(end, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(folder.Length + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }
}
