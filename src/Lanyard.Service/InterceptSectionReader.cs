using System.Globalization;
using System.Text;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Reads the section <c>lanyard.intercept</c> of a <c>local.conf</c>.</summary>
/// <param name="errors">Collects errors.</param>
internal sealed class InterceptSectionReader(ConfigurationErrors errors)
{
    private const string AllOthers = "*";

    // A local socket's address has room for 108 bytes with the NUL at the end (unix(7)), and for 104 on macOS.
    private const int MaxPathBytes = 103;

    private const UnixFileMode SensibleModes = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads the section.</summary>
    public InterceptSettings Read(JsonElement section, string key)
    {
        var settings = new InterceptSettings();
        if (LocalConfigurationReader.Find(section, "intercept") is not { } intercept)
            return settings;
        if (intercept.ValueKind != JsonValueKind.Object)
        {
            errors.Add(key, "is not an object", intercept);
            return settings;
        }

        foreach (var field in intercept.EnumerateObject())
        {
            var at = $"{key}.{field.Name}";
            switch (field.Name)
            {
                case "socket" or "mode" or "users" when field.Value.ValueKind == JsonValueKind.Null:
                    break;
                case "socket":
                    settings = settings with { SocketPath = ReadPath(at, field.Value) };
                    break;
                case "mode":
                    settings = settings with { SocketMode = ReadMode(at, field.Value) };
                    break;
                case "users":
                    settings = settings with { Users = ReadUsers(at, field.Value) };
                    break;
                default:
                    errors.Add(at, "is unknown: the section has socket, mode, users");
                    break;
            }
        }

        return settings;
    }

    private string? ReadPath(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } path && Path.IsPathFullyQualified(path) && !Path.EndsInDirectorySeparator(path)
            && !path.Contains('\0', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(path) <= MaxPathBytes)
            return path;
        errors.Add(key, string.Create(CultureInfo.InvariantCulture, $"is not an absolute path of at most {MaxPathBytes} bytes such as /run/lanyard/intercept.sock"), value);
        return null;
    }

    private UnixFileMode? ReadMode(string key, JsonElement value)
    {
        const string Expected = "is not a string of octal digits such as \"0660\", the read and write permissions of owner, group and others";
        var mode = 0;
        var digits = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (digits.Length is < 3 or > 4 || digits.AsSpan().ContainsAnyExceptInRange('0', '7'))
        {
            errors.Add(key, Expected, value);
            return null;
        }

        foreach (var digit in digits)
            mode = (mode << 3) | (digit - '0');
        if (((UnixFileMode)mode & ~SensibleModes) == 0)
            return (UnixFileMode)mode;
        errors.Add(key, "has other permissions than read and write, which are the only permissions of a socket: at most \"0666\" is expected", value);
        return null;
    }

    private InterceptUsers ReadUsers(string key, JsonElement value)
    {
        var users = new Dictionary<uint, IReadOnlySet<NetworkId>?>();
        IReadOnlySet<NetworkId>? others = new HashSet<NetworkId>();
        var hasOthers = false;
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(key, "is not an object of users and their networks", value);
            return InterceptUsers.Anyone;
        }

        foreach (var entry in value.EnumerateObject())
        {
            var at = $"{key}.{entry.Name}";
            var networks = ReadNetworks(at, entry.Value);
            if (entry.Name == AllOthers)
            {
                if (hasOthers)
                    errors.Add(at, "occurs twice");
                hasOthers = true;
                others = networks;
            }
            else if (ReadUser(at, entry.Name) is { } user && !users.TryAdd(user, networks))
                errors.Add(at, string.Create(CultureInfo.InvariantCulture, $"occurs twice: another entry is user {user} too"));
        }

        return new InterceptUsers(users, others);
    }

    // A name of digits only is a user ID; account names are not numeric.
    private uint? ReadUser(string key, string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var user) ? user != uint.MaxValue : SystemAccounts.TryFind(name, out user))
            return user;
        errors.Add(key, SystemAccounts.AreKnown
            ? "is not a user: an account of this system, a user ID, or * for all others, is expected"
            : "is not a user: a user ID, or * for all others, is expected, because this system does not resolve account names");
        return null;
    }

    private HashSet<NetworkId>? ReadNetworks(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && value.ValueEquals("all"u8))
            return null;
        var networks = new HashSet<NetworkId>();
        if (value.ValueKind != JsonValueKind.Array)
        {
            errors.Add(key, "is not \"all\" or an array of network IDs", value);
            return networks;
        }

        foreach (var item in value.EnumerateArray())
        {
            if (errors.Network(key, item) is { } network)
                networks.Add(network);
        }

        return networks;
    }
}
