using System.Text.Json;

namespace Lanyard.Service;

/// <summary>Reads the section <c>lanyard</c> of a <c>local.conf</c>, which other nodes do not know: all that is wrong in it is told at once.</summary>
internal static class LanyardSectionReader
{
    private const string Section = "lanyard";

    /// <summary>Reads it.</summary>
    /// <param name="root">The file.</param>
    /// <param name="configuration">What the rest of the file says.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <exception cref="LanyardStateException">Something makes no sense.</exception>
    public static LocalConfiguration Read(JsonElement root, LocalConfiguration configuration, string path)
    {
        if (LocalConfigurationReader.Find(root, Section) is not { } section)
            return configuration;
        var errors = new ConfigurationErrors(path);
        if (section.ValueKind != JsonValueKind.Object)
            throw errors.Of(Section, "is not an object", section);
        var proxies = new ProxySectionReader(errors);
        configuration = configuration with
        {
            Proxies = proxies.ReadProxies(section, Section + ".proxies"),
            Forwards = proxies.ReadForwards(section, Section + ".forwards"),
            Intercept = new InterceptSectionReader(errors).Read(section, Section + ".intercept"),
        };
        errors.ThrowIfAny();
        return configuration;
    }
}
