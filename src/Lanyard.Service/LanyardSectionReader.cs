using System.Text.Json;

namespace Lanyard.Service;

/// <summary>Reads the section <c>lanyard</c> of a <c>local.conf</c>, which existing nodes do not have. Reports all errors at once.</summary>
internal static class LanyardSectionReader
{
    private const string Section = "lanyard";

    /// <summary>Reads the section.</summary>
    /// <param name="root">The root of the file.</param>
    /// <param name="configuration">The configuration of the rest of the file.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <exception cref="LanyardStateException">The section is invalid.</exception>
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
